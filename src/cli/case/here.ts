import type { ValueOf } from '../reach.ts';

/** What only this node's own people see beside a case. */
export type Here = NonNullable<ValueOf<'reference.show'>['here']>;
