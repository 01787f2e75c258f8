import { signDraft } from '../../signing/draft.js'
import type { Context } from './context.js'
import { secret } from './values.js'

/** Sends a form that is signed by the published key of the auth server. */
export function sendForm(
  { id, key, kid, now }: Context,
  url: string,
  form: Readonly<Record<string, string>>,
): Promise<Response> {
  const { host, pathname } = new URL(url)
  const content = Buffer.from(new URLSearchParams(form).toString())
  const { headers, body } = signDraft({
    method: 'POST',
    target: pathname,
    authority: host,
    scheme: 'http',
    headers: [['content-type', 'application/x-www-form-urlencoded']],
    body: content,
    key,
    keyMember: `jwks_uri;id="${id}";kid="${kid}";dwk="aauth-agent"`,
    label: 'sig',
    parameters: `;created=${now()};nonce="${secret(16)}"`,
  })
  const sent = headers.map(([name, value]): [string, string] => [name, value])
  return fetch(url, {
    method: 'POST',
    headers: sent,
    body: Buffer.from(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  })
}
