import type { Page } from 'playwright-core';

/** Gives a page an authenticator made of software, which knows its owner until it is said not to. */
export async function addAuthenticator(to: Page) {
  const session = await to.context().newCDPSession(to);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const verified = (isUserVerified: boolean) =>
    session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  return { verified };
}
