import type { GuardForm } from '../../../src/domain/guard/forms.ts';

/** A place where a string can stand: the document around it, and the form that it is guarded as. */
export interface GuardedPlace {
  readonly name: string;
  readonly form: GuardForm;
  readonly around: (text: string) => unknown;
  /** The text is the whole of an address, which the URL gate sees next: it names the schemes that are refused. */
  readonly gated?: boolean;
}

const inAddress = (rest: string) => ({ url: `https://host.example/file${rest}`, category: 'csam' });

/** Where whatever looks like a digest or media is refused. */
export const textPlaces: readonly GuardedPlace[] = [
  { name: 'handle', form: 'reference', around: (id) => ({ handles: [{ system: 'own', id }] }) },
  { name: 'member name', form: 'reference', around: (text) => ({ site: { [text]: 1 } }) },
  { name: 'card contact', form: 'card', around: (desk) => ({ contact: { desk } }) },
  { name: 'policy text', form: 'policy', around: (basis) => ({ legal: { basis } }) },
  { name: 'event', form: 'event', around: (code) => ({ code }) },
  { name: 'instead of an address', form: 'reference', around: (url) => ({ url }), gated: true },
];

/** Where a label makes a digest of what would be a location. */
export const labelledPlaces: readonly GuardedPlace[] = [
  { name: 'parameter', form: 'reference', around: (text) => inAddress(`?page=1&sha256=${encodeURIComponent(text)}`) },
  {
    name: 'parameter, general',
    form: 'reference',
    around: (text) => inAddress(`?filehash=${encodeURIComponent(text)}`),
  },
  { name: 'path parameter', form: 'reference', around: (text) => inAddress(`;md5=${encodeURIComponent(text)}/x`) },
  { name: 'fragment', form: 'reference', around: (text) => inAddress(`#sha256-${encodeURIComponent(text)}`) },
  {
    name: 'fragment parameter',
    form: 'reference',
    around: (text) => inAddress(`#/view?phash=${encodeURIComponent(text)}`),
  },
  {
    name: 'address in an address',
    form: 'reference',
    around: (text) => inAddress(`?u=${encodeURIComponent(`https://o.example/?md5=${encodeURIComponent(text)}`)}`),
  },
  {
    name: 'referrer',
    form: 'reference',
    around: (text) => ({ access: { referrer: `https://host.example/?md5=${encodeURIComponent(text)}` } }),
  },
];

/** Media inside an address: in a parameter or fragment, never in its path. */
export const mediaPlaces: readonly GuardedPlace[] = [
  { name: 'parameter', form: 'reference', around: (text) => inAddress(`?img=${encodeURIComponent(text)}`) },
  { name: 'fragment', form: 'reference', around: (text) => inAddress(`#${encodeURIComponent(text)}`) },
];
