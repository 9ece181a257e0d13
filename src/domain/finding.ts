/** `bad`: somebody must act now; `warn`: somebody must act soon; `note`: worth knowing; `ok`: looked at and well. */
export const findingLevels = ['bad', 'warn', 'note', 'ok'] as const;
export type FindingLevel = (typeof findingLevels)[number];

/** One thing that an examination of the node found. */
export interface Finding {
  readonly level: FindingLevel;
  readonly code: string;
  /** One plain sentence. */
  readonly message: string;
  /** What to do about it, with its command. */
  readonly next?: string;
  readonly partner?: string;
  /** The alert that it stands for. */
  readonly alert?: string;
}

/** Whether a person has to do something. */
export function wantsPerson({ level }: Pick<Finding, 'level'>): boolean {
  return level === 'bad' || level === 'warn';
}

/** What is wrong first; within a level the order in which it was looked at. */
export function worstFirst<Found extends Pick<Finding, 'level'>>(findings: readonly Found[]): Found[] {
  return findingLevels.flatMap((level) => findings.filter((finding) => finding.level === level));
}

/** How many findings there are of each level. */
export function countLevels(findings: readonly Pick<Finding, 'level'>[]): Record<FindingLevel, number> {
  const count = (level: FindingLevel) => findings.filter((finding) => finding.level === level).length;
  return { bad: count('bad'), warn: count('warn'), note: count('note'), ok: count('ok') };
}
