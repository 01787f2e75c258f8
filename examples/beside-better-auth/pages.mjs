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

/** Sends a form of the page to better-auth as JSON, and goes where the answer leads. */
const script = (path, body) => `<script type="module">
  document.forms[0].addEventListener('submit', async event => {
    event.preventDefault()
    const search = new URLSearchParams(location.search)
    const oauth_query = search.has('sig') ? location.search.slice(1) : undefined
    const answer = await fetch('/api/auth/${path}', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...(${body})(event), oauth_query }),
    })
    const { url } = await answer.json()
    if (answer.ok) location.href = url ?? search.get('return_to') ?? '/apps'
    else document.querySelector('output').textContent = 'That did not work: is everything right?'
  })
</script>`

/** The one sign-in page, for OAuth and for AAuth. */
export const signInPage = page(
  'Sign in to Example',
  `<form><label>E-mail <input name="email" type="email" required autocomplete="username"></label>
<label>Password <input name="password" type="password" required autocomplete="current-password"></label>
<button>Sign in</button> <output role="alert"></output></form>
${script('sign-in/email', 'event => Object.fromEntries(new FormData(event.target))')}`,
)

/** Asks whether an OAuth client may have what it asks for. */
export function consentPage({ name, scope }) {
  return page(
    'Let this app in?',
    `<p><b>${escaped(name)}</b> asks for: ${escaped(scope)}.</p>
<form><button value="yes">Allow</button> <button value="no">Deny</button> <output role="alert"></output></form>
${script('oauth2/consent', "event => ({ accept: event.submitter.value === 'yes' })")}`,
  )
}

/** OAuth clients and AAuth agents in one list. */
export function connectedApps({ user, agents, clients }) {
  const entry = (name, what, field, value) =>
    `<li><b>${escaped(name)}</b>: ${escaped(what)}
  <form method="post" action="/apps"><input type="hidden" name="${field}" value="${escaped(value)}"><button>Disconnect</button></form></li>`
  const entries = [
    ...agents.map(({ agent, delegate, resource, scope }) =>
      entry(delegate ? `${agent} (${delegate})` : agent, `${scope.join(', ')} at ${resource}`, 'agent', agent),
    ),
    ...clients.map(({ id, name, scope }) => entry(name, scope, 'consent', id)),
  ]
  return page(
    'Connected apps',
    `<p>Signed in as ${escaped(user.name)}. <a href="/account">Your account</a></p>
${entries.length === 0 ? '<p>No app is connected.</p>' : `<ul>${entries.join('\n')}</ul>`}`,
  )
}
