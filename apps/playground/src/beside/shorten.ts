import { shortenToken } from './shorten-token.js'

// A person who sees a bearer token, a code or a client secret on a screen could use it. So the OAuth servers shorten them before
// they tell what they received and answered.

type Headers = ReadonlyArray<readonly [string, string]>

/** Members of forms, queries and JSON that let a stranger in. */
const secrets: ReadonlySet<string> = new Set([
  'access_token',
  'refresh_token',
  'id_token',
  'code',
  'code_verifier',
  'client_secret',
  'client_assertion',
  'registration_access_token',
  'subject_token',
  'actor_token',
  'token',
])

const inText = new RegExp(`([?&;](?:${[...secrets].join('|')})=)([^&\\s"'<>]+)`, 'g')

const secretHeaders: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie'])

/** Headers, with the secrets in them shortened. */
export function shortenHeaders(headers: Headers): Array<[string, string]> {
  return headers.map(([name, value]) => {
    const known = name.toLowerCase()
    if (secretHeaders.has(known)) return [name, shortenCredential(known, value)]
    return [name, known === 'location' ? shortenTarget(value) : value]
  })
}

function shortenCredential(name: string, value: string): string {
  if (name === 'authorization') return value.replace(/^(\S+) +(.*)$/, (_, scheme, rest) => `${scheme} ${cut(rest)}`)
  return value.replace(/=([^;,\s]{7,})/g, (_, content: string) => `=${cut(content)}`)
}

/** A request target or a URL, with the secrets in its query shortened. */
export function shortenTarget(target: string): string {
  const at = target.indexOf('?')
  return at < 0 ? target : target.slice(0, at + 1) + shortenForm(target.slice(at + 1))
}

/** A body, with the secrets of a form or of JSON shortened. */
export function shortenBody(body: string): string {
  if (/^\s*[{[]/.test(body)) return shortenJson(body)
  if (/^[\w.%+-]{1,100}=/.test(body)) return shortenForm(body)
  // A redirect repeats its URL in the text of its page.
  return body.replace(inText, (_, name: string, value: string) => name + cut(value))
}

function shortenForm(form: string): string {
  return form
    .split('&')
    .map(pair => {
      const at = pair.indexOf('=')
      return at > 0 && secrets.has(pair.slice(0, at)) ? pair.slice(0, at + 1) + cut(pair.slice(at + 1)) : pair
    })
    .join('&')
}

/** Only what parses is shown: text that only looks like JSON could hold a secret that is not found. */
function shortenJson(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), (name, value: unknown) =>
      secrets.has(name) && typeof value === 'string' ? cut(value) : value,
    )
  } catch {
    return '[JSON that does not parse]'
  }
}

/** A token keeps what can be read in it and loses its signature; anything else keeps its first characters. */
function cut(value: string): string {
  return shortenToken(value) ?? (value.length > 6 ? `${value.slice(0, 6)}…` : value)
}
