/**
 * The only script of the portal: it asks the authenticator and puts the answer into a form, which is then sent like any other.
 * Written for browsers that are some years old: no library, no request of its own.
 */
export const passkeyScript = String.raw`(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, '-')
      .replace(/\//g, '_')
      .replace(/=+$/, '');
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function create(options) {
    const user = { ...options.user, id: bytes(options.user.id) };
    const challenge = bytes(options.challenge);
    const excludeCredentials = named(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey: { ...options, user, challenge, excludeCredentials } });
    const { clientDataJSON, attestationObject, getTransports } = made.response;
    const transports = getTransports ? made.response.getTransports() : [];
    return answer(made, {
      clientDataJSON: text(clientDataJSON),
      attestationObject: text(attestationObject),
      transports,
    });
  }

  async function get(options) {
    const challenge = bytes(options.challenge);
    const allowCredentials = named(options.allowCredentials);
    const given = await navigator.credentials.get({ publicKey: { ...options, challenge, allowCredentials } });
    const { clientDataJSON, authenticatorData, signature, userHandle } = given.response;
    return answer(given, {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      ...(userHandle && { userHandle: text(userHandle) }),
    });
  }

  const answer = ({ id, type }, response) => ({ id, rawId: id, type, response, clientExtensionResults: {} });

  const form = document.querySelector('form[data-passkey]');
  if (form) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const ask = form.dataset.passkey === 'create' ? create : get;
      const told = document.getElementById('passkey-told');
      told.hidden = true;
      ask(JSON.parse(form.dataset.options)).then(
        (response) => {
          form.elements.response.value = JSON.stringify(response);
          form.submit();
        },
        () => {
          told.hidden = false;
          told.focus();
        },
      );
    });
  }

  // The code of an invitation stands behind the # of its address, which no browser sends and no server logs.
  const code = document.querySelector('input[data-from-address]');
  const take = () => {
    if (location.hash.length < 2) return;
    code.value = location.hash.slice(1);
    history.replaceState(null, '', location.pathname);
  };
  if (code) {
    take();
    addEventListener('hashchange', take);
  }
})();
`;
