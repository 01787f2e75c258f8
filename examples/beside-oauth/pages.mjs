// The pages of the application, as plain as can be.

const escaped = text => String(text).replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)

const page = (title, body) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
  form { display: grid; gap: .75rem } li form { display: inline } label { display: grid } input, button { font: inherit; padding: .4rem .6rem }
</style>
<h1>${title}</h1>
${body}`

/** The one sign-in page, for OAuth and for AAuth. */
export function signInPage(returnTo, { isWrong }) {
  return page(
    'Sign in to Example',
    `${isWrong ? '<p role="alert">The name or the password is wrong.</p>' : ''}
<form method="post" action="/sign-in">
  <input type="hidden" name="return_to" value="${escaped(returnTo)}">
  <label>Name <input name="name" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>`,
  )
}

/** OAuth clients and AAuth agents in one list. */
export function connectedApps({ user, agents, clients }) {
  const entry = (name, what, field, value) =>
    `<li><b>${escaped(name)}</b>: ${escaped(what)}
  <form method="post" action="/apps"><input type="hidden" name="${field}" value="${escaped(value)}"><button>Disconnect</button></form></li>`
  const entries = [
    ...agents.map(({ agent, delegate, resource, scope }) =>
      entry(
        delegate === undefined ? agent : `${agent} (${delegate})`,
        `${scope.join(', ')} at ${resource}`,
        'agent',
        agent,
      ),
    ),
    ...clients.map(({ clientId, scope, grantId }) => entry(clientId, scope, 'grant', grantId)),
  ]
  return page(
    'Connected apps',
    `<p>Signed in as ${escaped(user.name)}.</p>
${entries.length === 0 ? '<p>No app is connected.</p>' : `<ul>${entries.join('\n')}</ul>`}
<form method="post" action="/sign-out"><button>Sign out</button></form>`,
  )
}
