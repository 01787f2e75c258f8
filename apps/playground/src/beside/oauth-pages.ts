import { html } from 'hono/html'

type Html = ReturnType<typeof html>

export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
} as const

export function signInPage(users: Readonly<Record<string, string>>): Html {
  const buttons = Object.entries(users).map(
    ([subject, name]) => html`<button name="subject" value="${subject}">${name}</button>`,
  )
  return page('Sign in', html`<form method="post">${buttons}</form>`)
}

export function consentPage({
  client_id: client,
  scope,
}: {
  readonly client_id: string
  readonly scope: string
}): Html {
  const scopes = scope.split(' ').filter(Boolean)
  return page(
    `${client} asks for access`,
    html`<p>If you agree, it may:</p>
<ul class="scopes">${scopes.map(name => html`<li><bdi>${name}</bdi></li>`)}</ul>
<form method="post">
<button name="decision" value="deny">Refuse</button>
<button name="decision" value="allow">Allow</button>
</form>`,
  )
}

function page(heading: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>OAuth authorization server</title>
<style>body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem }</style>
<main>
<h1>${heading}</h1>
${content}
</main>
</html>`
}
