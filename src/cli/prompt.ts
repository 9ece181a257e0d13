import type { Cli } from './command.ts';

/** Asks for a secret on a terminal without showing what is typed; undefined where there is no terminal or Ctrl-C was typed. */
export async function askSecret({ stdin, terminal }: Cli, question: string): Promise<string | undefined> {
  if (!stdin.isTTY) return undefined;
  // Before the question: whoever answers at once would see it on the screen.
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  try {
    return terminal.prompt(question) ? await readTyped(stdin) : undefined;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    terminal.say('');
  }
}

/** Asks a question that only the word `yes` answers; undefined where there is no terminal to ask on. */
export async function askYes({ stdin, terminal }: Cli, question: string): Promise<boolean | undefined> {
  if (!stdin.isTTY || !terminal.prompt(`${question} Type yes to do it: `)) return undefined;
  stdin.setEncoding('utf8');
  try {
    return (await readTyped(stdin))?.trim() === 'yes';
  } finally {
    stdin.pause();
  }
}

function readTyped(stdin: NodeJS.ReadStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    let typed = '';
    const finish = (answer: string | undefined) => {
      stdin.off('data', take);
      resolve(answer);
    };
    const take = (keys: string) => {
      for (const key of keys) {
        if (key === '\r' || key === '\n') return finish(typed);
        // Ctrl-C and Ctrl-D: in raw mode the terminal no longer makes signals of them.
        if (key === '\u0003' || key === '\u0004') return finish(undefined);
        if (key === '\u007f' || key === '\b') typed = Array.from(typed).slice(0, -1).join('');
        else typed += key;
      }
    };
    stdin.on('data', take);
    stdin.resume();
  });
}
