import action from '../../schemas/codes/action.json' with { type: 'json' };
import assessmentIccam from '../../schemas/codes/assessment-iccam.json' with { type: 'json' };
import assessmentInhopeUcs from '../../schemas/codes/assessment-inhope-ucs.json' with { type: 'json' };
import assessmentMethod from '../../schemas/codes/assessment-method.json' with { type: 'json' };
import assessmentNcmecIndustry from '../../schemas/codes/assessment-ncmec-industry.json' with { type: 'json' };
import assessmentScheme from '../../schemas/codes/assessment-scheme.json' with { type: 'json' };
import assessmentUkSentencing from '../../schemas/codes/assessment-uk-sentencing.json' with { type: 'json' };
import category from '../../schemas/codes/category.json' with { type: 'json' };
import commercial from '../../schemas/codes/commercial.json' with { type: 'json' };
import concernedBasis from '../../schemas/codes/concerned-basis.json' with { type: 'json' };
import features from '../../schemas/codes/features.json' with { type: 'json' };
import feedback from '../../schemas/codes/feedback.json' with { type: 'json' };
import handoverDecline from '../../schemas/codes/handover-decline.json' with { type: 'json' };
import holdAuthority from '../../schemas/codes/hold-authority.json' with { type: 'json' };
import holdGround from '../../schemas/codes/hold-ground.json' with { type: 'json' };
import hostingMethod from '../../schemas/codes/hosting-method.json' with { type: 'json' };
import payment from '../../schemas/codes/payment.json' with { type: 'json' };
import reason from '../../schemas/codes/reason.json' with { type: 'json' };
import role from '../../schemas/codes/role.json' with { type: 'json' };
import siteType from '../../schemas/codes/site-type.json' with { type: 'json' };
import toldByChannel from '../../schemas/codes/told-by-channel.json' with { type: 'json' };
import urgencyCode from '../../schemas/codes/urgency-code.json' with { type: 'json' };
import type { CodeList } from '../domain/code-lists.ts';
import type { Refusal } from '../domain/refusal.ts';
import { compileStrict } from './compile.ts';

/** The lists of this release whose next versions can be imported. */
export const shippedCodeLists: readonly CodeList[] = [
  action,
  assessmentIccam,
  assessmentInhopeUcs,
  assessmentMethod,
  assessmentNcmecIndustry,
  assessmentScheme,
  assessmentUkSentencing,
  category,
  commercial,
  concernedBasis,
  features,
  feedback,
  handoverDecline,
  holdAuthority,
  holdGround,
  hostingMethod,
  payment,
  reason,
  role,
  siteType,
  toldByChannel,
  urgencyCode,
] as readonly CodeList[];

const text = (description: string, maxLength: number) => ({ type: 'string', minLength: 1, maxLength, description });

const check = compileStrict(
  {
    type: 'object',
    additionalProperties: false,
    required: ['list', 'version', 'title', 'codes'],
    properties: {
      list: { ...text('Name of the list.', 80), pattern: '^[a-z][a-z0-9-]*(?::[A-Z]{2}(?:-[A-Z0-9]{1,3})?)?$' },
      version: text('Day of the version.', 10),
      title: text('What the list is of.', 200),
      patterns: {
        type: 'array',
        maxItems: 20,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['pattern', 'title'],
          properties: { pattern: text('Pattern of codes.', 200), title: text('What they mean.', 200) },
        },
      },
      codes: {
        type: 'array',
        maxItems: 500,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['code', 'title'],
          properties: {
            code: text('The code.', 64),
            title: text('What it means.', 200),
            retired: { const: true, description: 'Kept for what was said with it, and not used in what is new.' },
            iccam: {
              type: 'object',
              additionalProperties: false,
              required: ['id', 'name'],
              properties: { id: { type: 'integer' }, name: text('Its name there.', 200) },
            },
          },
        },
      },
    },
  },
  { code: 'schema-invalid' },
);

/** Whether a document has the form of a code list; what it may say is for `checkCodeList`. */
export function checkCodeListForm(document: unknown): Refusal[] {
  return check(document);
}
