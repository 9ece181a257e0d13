/** A unit as records name it: two agencies may call theirs alike, and neither name has a line end in it. */
export function unitName({ agency, unit }: { readonly agency: string; readonly unit: string }): string {
  return `${agency}\n${unit}`;
}

/** The unit that a part of it, as an identity provider claims one, belongs to. */
export function wholeUnit({ agency, unit }: { readonly agency: string; readonly unit: string }): string {
  return unitName({ agency, unit: unit.split('/', 1)[0] ?? unit });
}

/**
 * A liaison who is signed in, with the accreditation as it is now: what sign-in gives and every page asks. Whoever makes one has
 * checked that session, accreditation and approval are valid at this moment; nobody else gets one.
 */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly agency: string;
  /** Countries and subdivisions (ISO 3166) that the accreditation, narrowed by the identity provider, reaches to. */
  readonly jurisdictions: readonly string[];
  /** When the session before this one was last used; undefined at the first visit. */
  readonly lastVisit: Date | undefined;
  /** Names the session in records and forms: never the secret that the cookie carries. */
  readonly session: string;
}
