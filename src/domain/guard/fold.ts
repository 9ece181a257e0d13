/** Letters that look like a Latin one and that NFKD leaves alone (Unicode UTS 39, those that occur in Latin digests). */
const seen = 'авсԁеһіјкмнорѕтухьԛԝАВСЕНІЈКМОРЅТХУԚԜαβεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑƒɡɩօսցᴀʙᴄᴅᴇꜰᎠᎪᏴᏟᎬ℮ıȷ';
const meant = 'abcdehijkmhopstyxbqwABCEHIJKMOPSTXYQWabeikvoptuxABEZHIKMNOPTYXafgiougABCDEFDABCEeij';
const lookAlikes = new Map([...seen].map((letter, index) => [letter, [...meant][index] ?? letter]));

/** Text that needs no folding: printable ASCII without percent signs. */
const plain = /^[ -$&-~]*$/;
const invisible = /[\p{M}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** An address inside an address inside an address is encoded so many times; each round leaves less to do. */
const ROUNDS = 6;

/**
 * The text as somebody would read it: percent signs decoded (up to six layers), compatibility forms and look-alike
 * letters as the ASCII ones, digits of every script as 0 to 9, invisible and combining characters dropped. What is not
 * ASCII after that is a real letter of another script. For comparison only: the text that is signed is never changed.
 */
export function fold(text: string): string {
  if (plain.test(text)) return text;
  const decoded = text.includes('%') ? percentDecode(text) : text;
  return decoded
    .normalize('NFKD')
    .replace(invisible, '')
    .replace(/[^\0-\x7f]/gu, asAscii);
}

function asAscii(character: string): string {
  return lookAlikes.get(character) ?? (/\p{Nd}/u.test(character) ? decimal(character) : character);
}

/** Unicode gives each script its ten digits in a row, so the distance to the first of them is the value. */
function decimal(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  let zero = code;
  while (zero > code - 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}

function percentDecode(text: string): string {
  let decoded = text;
  for (let round = 0; round < ROUNDS && decoded.includes('%'); round += 1) {
    decoded = decoded.replace(/(?:%[0-9a-f]{2})+/gi, decodeRun);
  }
  return decoded;
}

function decodeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run.replace(/%([0-9a-f]{2})/gi, (_, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)));
  }
}
