import { describe, expect, it, test } from 'vitest';
import { checkMarking, hostNotice, mergeMarking, portalReach, strictestTlp } from '../../src/domain/marking.ts';
import fc from '../support/property.ts';

const labels = ['CLEAR', 'GREEN', 'AMBER', 'AMBER+STRICT', 'RED'];

describe('the stricter TLP label', () => {
  it('is the later of the scale, in either order', () => {
    for (const [index, label] of labels.entries())
      for (const other of labels.slice(0, index + 1)) {
        expect(strictestTlp(label, other)).toBe(label);
        expect(strictestTlp(other, label)).toBe(label);
      }
  });

  it('is the unknown one, which counts as RED and stays unknown', () => {
    expect(strictestTlp('unknown', 'RED')).toBe('unknown');
    expect(strictestTlp('GREEN', 'unknown')).toBe('unknown');
  });
});

describe('a merged marking', () => {
  it('is the stricter of each member', () => {
    const marking = { tlp: 'AMBER', notifyHost: 'may', portal: 'concerned', onward: 'national', leo: 'H1' };
    const floor = { tlp: 'GREEN', notifyHost: 'must-not', portal: 'national', onward: 'none', leo: 'H2' };
    expect(mergeMarking(marking, floor)).toEqual({ ...floor, tlp: 'AMBER' });
    expect(mergeMarking(floor, marking)).toEqual({ ...floor, tlp: 'AMBER' });
  });

  it('keeps what the floor does not state, and invents nothing', () => {
    expect(mergeMarking({ tlp: 'GREEN' }, {})).toEqual({ tlp: 'GREEN' });
    expect(mergeMarking({ tlp: 'GREEN', portal: 'national' }, { tlp: 'CLEAR' })).toEqual({
      tlp: 'GREEN',
      portal: 'national',
    });
  });

  it('does not open by silence: an absent member means its strict default', () => {
    expect(mergeMarking({ tlp: 'GREEN' }, { portal: 'concerned', onward: 'national', notifyHost: 'may' })).toEqual({
      tlp: 'GREEN',
      portal: 'none',
      onward: 'none',
      notifyHost: 'after-clearance',
    });
  });

  it('closes the portal when the floor raises the label to one that does', () => {
    expect(mergeMarking({ tlp: 'GREEN', portal: 'national' }, { tlp: 'AMBER+STRICT' })).toEqual({
      tlp: 'AMBER+STRICT',
      portal: 'none',
    });
  });

  it('leaves its arguments alone, never contradicts itself, and is the same when merged again', () => {
    const marking = fc.record(
      {
        tlp: fc.constantFrom(...labels, 'unknown'),
        portal: fc.constantFrom('none', 'national', 'concerned', 'new'),
        onward: fc.constantFrom('none', 'national'),
        notifyHost: fc.constantFrom('may', 'must-not', 'after-clearance', 'unknown'),
      },
      { requiredKeys: ['tlp'] },
    );
    fc.assert(
      fc.property(marking, marking, (a, b) => {
        const before = JSON.stringify([a, b]);
        const merged = mergeMarking(a, b);
        expect(JSON.stringify([a, b])).toBe(before);
        expect(checkMarking(merged, '', 'open')).toEqual([]);
        expect(mergeMarking(merged, b)).toEqual(merged);
      }),
    );
  });
});

describe('a portal', () => {
  test.each([
    [{ tlp: 'AMBER', portal: 'national' }, 'national'],
    [{ tlp: 'CLEAR', portal: 'concerned' }, 'concerned'],
    [{ tlp: 'CLEAR' }, 'none'],
    [{ tlp: 'CLEAR', portal: 'new' }, 'none'],
    [{ tlp: 'RED', portal: 'national' }, 'none'],
    [{ tlp: 'AMBER+STRICT', portal: 'concerned' }, 'none'],
    [{ tlp: 'unknown', portal: 'national' }, 'none'],
  ])('for %j shows it to: %s', (marking, reach) => {
    expect(portalReach(marking)).toBe(reach);
  });
});

describe('the host', () => {
  it('may be told after clearance where nothing is said, and never by a code that is not known', () => {
    expect(hostNotice({ tlp: 'CLEAR' })).toBe('after-clearance');
    expect(hostNotice({ tlp: 'CLEAR', notifyHost: 'may' })).toBe('may');
    expect(hostNotice({ tlp: 'CLEAR', notifyHost: 'must-not' })).toBe('must-not');
    expect(hostNotice({ tlp: 'CLEAR', notifyHost: 'unknown' })).toBe('must-not');
  });
});

describe('marking-invalid', () => {
  test.each([
    ['/marking/tlp', { tlp: 'WHITE' }],
    ['/marking/tlp', { tlp: 'amber' }],
    ['/marking/portal', { tlp: 'GREEN', portal: 'all' }],
    ['/marking/onward', { tlp: 'GREEN', onward: 'world' }],
    ['/marking/notifyHost', { tlp: 'GREEN', notifyHost: 'yes' }],
    ['/marking/leo', { tlp: 'GREEN', leo: 'H9' }],
    ['/marking/portal', { tlp: 'RED', portal: 'national' }],
    ['/marking/portal', { tlp: 'AMBER+STRICT', portal: 'concerned' }],
  ])('at %s for %j', (pointer, marking) => {
    expect(checkMarking(marking, '/marking', 'listed')).toMatchObject([{ code: 'marking-invalid', pointer }]);
  });

  it('for a contradiction on the wire too, but not for a code of a newer list', () => {
    expect(checkMarking({ tlp: 'RED', portal: 'national' }, '', 'open')).toHaveLength(1);
    expect(checkMarking({ tlp: 'GREEN', portal: 'all' }, '', 'open')).toEqual([]);
  });

  it('not for a full and honest one', () => {
    const marking = { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'national', onward: 'none', leo: 'H1' };
    expect(checkMarking(marking, '', 'listed')).toEqual([]);
  });
});

describe('the stricter of two codes', () => {
  const scales: Readonly<Record<string, readonly string[]>> = {
    tlp: ['CLEAR', 'GREEN', 'AMBER', 'AMBER+STRICT', 'RED', 'unknown'],
    notifyHost: ['may', 'after-clearance', 'must-not', 'of-tomorrow'],
    portal: ['concerned', 'national', 'none', 'of-tomorrow'],
    onward: ['national', 'none', 'of-tomorrow'],
    leo: ['H0', 'H1', 'H2', 'H3', 'unknown'],
  };
  const pairs = Object.entries(scales).flatMap(([member, scale]) =>
    scale.flatMap((lax, index) => scale.slice(index).map((strict) => [member, lax, strict] as const)),
  );

  it.each(pairs)('of %s %s and %s is the latter, whichever stands where', (member, lax, strict) => {
    const merge = (own: string, other: string) =>
      mergeMarking({ tlp: 'CLEAR', [member]: own }, { [member]: other })[member as 'tlp'];
    expect([merge(lax, strict), merge(strict, lax)]).toEqual([strict, strict]);
  });

  it('keeps the first of two that nobody knows', () => {
    expect(mergeMarking({ tlp: 'CLEAR', onward: 'of-today' }, { onward: 'of-tomorrow' }).onward).toBe('of-today');
  });

  it('says of a closed label in a portal what to do', () => {
    const [refusal] = checkMarking({ tlp: 'RED', portal: 'national' }, '/marking', 'open');
    expect(refusal).toMatchObject({
      message: 'RED and AMBER+STRICT are never shown in a portal.',
      next: 'Leave portal out or write "none", or choose a TLP label that allows a portal.',
    });
  });
});
