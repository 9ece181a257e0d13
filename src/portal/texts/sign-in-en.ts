/** What the pages of sign-in say. */
export const signInEn = {
  signIn: 'Sign in',
  what: (organisation: string) =>
    `References to cases of child sexual abuse and exploitation, from ${organisation} to accredited liaisons of police.`,
  recorded: 'Only for official duties. Every sign-in and every look is recorded.',
  help: 'No access, or a device was lost? Ask the operator of this portal, by a number that your unit already has.',
  withPasskey: 'Sign in with a passkey',
  withAgency: 'Sign in with your agency’s account',
  invited: 'I have an invitation',
  invitedOnly: 'There are no passwords here. Nobody from this portal will ever ask you for one, or for a code.',
  passkey: 'Sign in with a passkey',
  passkeyHint:
    'Your device or security key asks you to confirm that it is you. The passkey works on this site only and is of no use to anybody who asks you for it elsewhere.',
  useDevice: 'Continue with this device or security key',
  needsScript: 'This page needs JavaScript to reach your device or security key. Only the pages that reach it do.',
  passkeyFailed: 'The passkey was not used. Try again, or use the device on which it was made.',
  passkeyNotMade:
    'No passkey was made, and the invitation still works. Try again, or plug in a security key. Where this machine refuses both, ask your own IT for one that allows a passkey, or the operator of this portal.',
  invitation: 'Invitation',
  invitationHint:
    'The code stands at the end of the address you were given, behind the #; the whole address will do too. It works once, for 72 hours.',
  code: 'Code of the invitation',
  goOn: 'Continue',
  welcome: 'Make your passkey',
  invitedAs: 'This invitation is for',
  makePasskey: 'Make a passkey on this device or security key',
  replaces: 'Passkeys and sessions that you had before end when the new one is made.',
  linkAgency: 'Use your agency’s account instead',
  confirm: 'Confirm that it is you',
  confirmHint: 'Before the first whole address of a session is shown, you sign in once more.',
  leaveOut: 'Back to the overview without it',
  signedIn: 'You are signed in',
  signedOut: 'You have signed out.',
  refused: 'You are not signed in',
  again: 'Back to sign-in',
  reasons: {
    'invitation-invalid': 'The invitation is unknown, was used, or is over. Ask the operator for a new one.',
    'sign-in-refused':
      'The sign-in could not be verified, or took longer than ten minutes. Begin again: an invitation that was not used still works. This site needs its cookies.',
    'accreditation-ended':
      'Your accreditation is not in force: it may be over, suspended, or unused for 90 days. Ask the operator.',
    'session-ended':
      'Your session has ended: a session ends after 15 minutes without a click, after 8 hours at most, or where it was ended. Sign in again.',
    unavailable: 'Your agency’s sign-in cannot be reached now. Try again later.',
  },
} as const;
