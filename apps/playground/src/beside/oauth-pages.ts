import { html } from 'hono/html'
import { consentForm, providerPage } from '../provider-page.js'

type Html = ReturnType<typeof html>

export function signInPage(users: Readonly<Record<string, string>>): Html {
  const buttons = Object.entries(users).map(
    ([subject, name]) => html`<button name="subject" value="${subject}">${name}</button>`,
  )
  return providerPage('OAuth authorization server', 'Sign in', html`<form method="post">${buttons}</form>`)
}

export function consentPage({
  client_id: client,
  scope,
}: {
  readonly client_id: string
  readonly scope: string
}): Html {
  const scopes = scope.split(' ').filter(Boolean)
  return providerPage(
    'OAuth authorization server',
    `${client} asks for access`,
    consentForm(html`${scopes.map(name => html`<li><bdi>${name}</bdi></li>`)}`),
  )
}
