import * as catchUp from './catch-up.ts';
import * as duplicates from './duplicates.ts';
import * as exchange from './exchange.ts';
import * as guard from './guard.ts';
import * as imported from './import.ts';
import * as portal from './portal.ts';
import * as simulate from './simulate.ts';
import * as verify from './verify.ts';

const benches: Readonly<
  Record<
    string,
    { bench: (print: (figure: Record<string, unknown>) => void, args?: readonly string[]) => Promise<void> }
  >
> = { 'catch-up': catchUp, duplicates, exchange, guard, import: imported, portal, simulate, verify };

const wanted = process.argv[2];
const chosen = wanted === undefined ? Object.keys(benches) : [wanted];
for (const name of chosen) {
  const found = benches[name];
  if (!found) {
    process.stderr.write(`There is no bench "${name}". There are: ${Object.keys(benches).join(', ')}\n`);
    process.exit(2);
  }
  await found.bench((figure) => process.stdout.write(`${JSON.stringify(figure)}\n`), process.argv.slice(3));
}
