const categories = [
  'csam',
  'csam-drawn-or-animated',
  'csam-textual',
  'sexualised-posing',
  'csam-pointer',
  'grooming',
] as const;
const places = ['NL', 'DE', 'FR', 'SE', 'PL'] as const;

/** An invented reference, the same for the same number, on a reserved name. */
export function inventedReference(n: number): Record<string, unknown> {
  const pick = <T>(list: readonly T[]) => list[n % list.length];
  return {
    url: `https://host-${n % 97}.example/board/${n}/item?page=${n % 13}`,
    role: 'content',
    jurisdiction: { hosting: pick(places), reporting: 'DE' },
    category: pick(categories),
    assessments: [
      { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' },
    ],
    site: { type: 'image-host', commercial: 'unknown' },
    handles: [{ system: 'own', id: `R-2026-${n}` }],
    urgency: { level: 'routine' },
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'national', onward: 'none' },
    receivedAt: '2026-11-20T09:12:00Z',
    observedAt: '2026-11-20T10:00:00Z',
  };
}
