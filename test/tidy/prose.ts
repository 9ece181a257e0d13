import { type Breach, breach, type SourceFile, type TextFile } from './source.ts';

/** Every match of `pattern` (global) in the file. */
function matches(file: TextFile, pattern: RegExp, says: (found: string) => string | undefined): Breach[] {
  return [...file.text.matchAll(pattern)].flatMap((match) => {
    const said = says(match[1] ?? match[0]);
    return said ? [breach(file, match.index, said)] : [];
  });
}

const promise = /\b(TODO|FIXME)\b/g;

/** A note to do something later is an issue, not a comment. Strings of code may say the words, comments may not. */
export function promiseBreaches(files: readonly (TextFile | SourceFile)[]): Breach[] {
  const says = (found: string) => `no ${found}: it is done, or it is an issue`;
  return files.flatMap((file) => {
    if (!('comments' in file)) return matches(file, promise, says);
    return file.comments
      .filter(({ value }) => new RegExp(promise.source).test(value))
      .map(({ start, value }) => breach(file, start, says(new RegExp(promise.source).exec(value)?.[0] ?? '')));
  });
}

const machineRoots = ['work', 'root', 'home', 'Users', 'mnt', 'workspace', 'builds'];
const machinePath = new RegExp(`(?<![\\w.:/@-])/(?:${machineRoots.join('|')})/[\\w.-]+`, 'g');

/** A path of one machine means nothing on another. */
export function machineBreaches(files: readonly TextFile[]): Breach[] {
  return files.flatMap((file) => matches(file, machinePath, (found) => `${found} is a path of one machine`));
}

/** Names that are reserved (RFC 2606, 6761, 6762, 7686, 8375, 9476) or that no resolver knows, anywhere in the host. */
const reservedLabels = new Set(['example', 'test', 'invalid', 'localhost', 'local', 'onion', 'internal', 'alt', 'lan']);

/** Real addresses that the documents point to: standards, licences, and the tools' own schemas. */
const citedHosts = new Set([
  ...['www.apache.org', 'json-schema.org', 'www.rfc-editor.org', 'datatracker.ietf.org', 'www.iana.org', 'openid.net'],
  ...['registry.npmjs.org', 'biomejs.dev', 'inhope.org', 'www.inhope.org', 'ecpat.org', 'www.first.org', 'spdx.org'],
  ...['nodejs.org', 'www.iso.org', 'publicsuffix.org', 'url.spec.whatwg.org', 'www.w3.org', 'eur-lex.europa.eu'],
]);

const address =
  /\b(?:https?|ftp|postgres(?:ql)?):\/\/(?:[^\s/?#'"`<>@]*@)?([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?![\w.-])/gi;

/** Test values are invented on reserved names: an invented address on a real name accuses whoever owns the name. */
export function addressBreaches(files: readonly TextFile[]): Breach[] {
  return files.flatMap((file) =>
    matches(file, address, (host) => {
      const reserved = host
        .toLowerCase()
        .split('.')
        .some((label) => reservedLabels.has(label));
      return reserved || citedHosts.has(host.toLowerCase()) ? undefined : `${host} is a real name: use .example`;
    }),
  );
}

const whom = ['child', 'children', 'kiddie', 'kiddy', 'teen', 'minor', 'juvenile', 'underage', 'pre[\\s-]?teen'];
const what = [
  'porn\\w*',
  'prostitut\\w*',
  'sex[\\s_-]*work\\w*',
  'sex[\\s_-]*tour\\w*',
  'lover\\w*',
  'sex',
  'erotic\\w*',
];
const alone = ['revenge[\\s_-]*porn', 'sex[\\s_-]*tour\\w+', 'sext?ortion', 'pa?edo\\w+', 'lolit\\w+'];
const avoided = new RegExp(`\\b(?:(?:${whom.join('|')})[\\s_-]*(?:${what.join('|')})|${alone.join('|')})\\b`, 'gi');

/**
 * Terms that the Terminology Guidelines (second edition, 2025) tell to avoid: they excuse, or blame the child. The
 * halves stand apart above so that this file does not carry the terms either.
 */
export function terminologyBreaches(files: readonly TextFile[]): Breach[] {
  return files.flatMap((file) => matches(file, avoided, (found) => `"${found}": use the terms of the guidelines`));
}
