import { Option } from 'commander';

/**
 * An option that takes a code and names those of the release. Another one is for the node to judge, which may have loaded a newer
 * list than this program knows.
 */
export function knownCodes(flags: string, description: string, list: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...list];
  return option;
}
