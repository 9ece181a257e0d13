import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** An agency's identity provider in this process: whoever signs in there is the subject that was typed. */
export interface TestProvider {
  readonly issuer: string;
  /** What it says of each subject beside its name. */
  readonly claims: Map<string, Readonly<Record<string, unknown>>>;
  /**
   * Walks the pages of the provider from the address that a portal sent a browser to, to the one it is sent back to. With a jar that
   * was there before the browser is signed in there already, and is asked again only where the portal wants it.
   */
  signIn(start: string, subject: string, jar?: Map<string, string>): Promise<string>;
  close(): Promise<void>;
}

export const client = { id: 'caseref-portal', secret: 'invented-secret-of-the-tests' };

export async function testProvider(redirectUri: string): Promise<TestProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const claims: TestProvider['claims'] = new Map();
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    cookies: { keys: ['invented key of the tests'] },
    claims: { openid: ['sub', 'unit', 'countries'], auth_time: null },
    conformIdTokenClaims: false,
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims.get(id) }) }),
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
  });
  server.on('request', provider.callback());
  return {
    issuer,
    claims,
    signIn: (start, subject, jar) => walk(issuer, { start, subject, jar }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Walk {
  readonly start: string;
  readonly subject: string;
  readonly jar?: Map<string, string> | undefined;
}

/** A browser as small as it gets: cookies, and the two forms of the provider. */
async function walk(issuer: string, { start, subject, jar = new Map() }: Walk): Promise<string> {
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 12; step += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer: Response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie },
      ...(form && { body: form }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = answer.headers.get('location');
    form = undefined;
    if (location === null) {
      const page = await answer.text();
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
      if (prompt === undefined) throw new Error(`the provider answered ${answer.status}: ${page.slice(0, 300)}`);
      form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: subject, password: 'any' }) });
      continue;
    }
    url = new URL(location, url).href;
    if (!url.startsWith(issuer)) return url;
  }
  throw new Error('the provider sends in circles');
}
