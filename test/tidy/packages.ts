import { type Breach, breach, type TextFile } from './source.ts';

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

interface Lock {
  readonly packages?: Record<
    string,
    { readonly resolved?: string; readonly integrity?: string; readonly link?: boolean }
  >;
}

const REGISTRY = 'https://registry.npmjs.org/';

/** One exact version of each package, so that a machine with an old npm cannot choose an older one by itself. */
export function versionBreaches(files: readonly TextFile[]): Breach[] {
  return files
    .filter(({ path }) => path === 'package.json')
    .flatMap((file) => {
      const { dependencies, devDependencies, optionalDependencies }: Manifest = JSON.parse(file.text);
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => breach(file, file.text.indexOf(`"${name}"`), `${name} ${version} is not exact`));
    });
}

/** Every package comes from the public registry and is checked by its digest. */
export function lockBreaches(files: readonly TextFile[]): Breach[] {
  return files
    .filter(({ path }) => path === 'package-lock.json')
    .flatMap((file) => {
      const { packages = {} }: Lock = JSON.parse(file.text);
      return Object.entries(packages).flatMap(([name, { resolved, integrity }]) => {
        const at = file.text.indexOf(`"${name}"`);
        if (resolved && !resolved.startsWith(REGISTRY)) return [breach(file, at, `${name} comes from elsewhere`)];
        return name === '' || integrity ? [] : [breach(file, at, `${name} has no digest`)];
      });
    });
}
