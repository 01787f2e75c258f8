import type { AAuthError, Reason } from '@countersign/protocol'
import { pageSafety } from '@countersign/protocol/internal'

// Of one kind with the pages of an auth server, and small: a resource has no other.
const style =
  ':root{color-scheme:light dark}body{font:1.0625rem/1.5 system-ui,sans-serif;max-width:32rem;margin:0 auto;padding:12vh 1.25rem 2rem;overflow-wrap:anywhere}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}p{margin:0 0 .75rem}p+p{opacity:.75}'
// What the browser computes of it; a change of one without the other shows in the tests.
const styleHash = 'sha256-H94i/cXRKjr9CO8V9mbFRDQJUMIOCwkWvAHSQsUwFWs='

/**
 * Tells a user that it does not go on here. It speaks our own words only: nothing of a link, a token or a claim is in it,
 * so that there is nothing to inject (INT-11).
 */
export function interactionPage(error: AAuthError): Response {
  const { status, retryAfter } = error
  const { words, reason } = wordsOf(error)
  const paragraphs = `<p>${words}</p><p>Nothing was allowed. You can close this page.</p>`
  // 401 asks for a signature, which no browser can give.
  const response = page({ reason, heading: 'This did not work', paragraphs, status: status === 401 ? 400 : status })
  if (retryAfter !== undefined) response.headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfter))))
  return response
}

/** Tells a user who goes back by themselves that the question is answered. */
export function answeredPage(said: 'agreed' | 'denied'): Response {
  const [heading, words] =
    said === 'agreed'
      ? ['Done', 'Go back to the application that sent you here: it goes on by itself.']
      : ['Nothing was allowed', 'Go back to the application that sent you here.']
  return page({ reason: said, heading, paragraphs: `<p>${words}</p><p>You can close this page.</p>`, status: 200 })
}

interface PageParts {
  readonly reason: string
  readonly heading: string
  readonly paragraphs: string
  readonly status: number
}

function page({ reason, heading, paragraphs, status }: PageParts): Response {
  const html =
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<link rel="icon" href="data:,"><title>${heading}</title><style>${style}</style>` +
    `<main data-reason="${reason}"><h1>${heading}</h1>${paragraphs}</main></html>`
  const headers = new Headers(pageSafety)
  headers.set('content-type', 'text/html; charset=utf-8')
  headers.set(
    'content-security-policy',
    `default-src 'none'; style-src '${styleHash}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  )
  return new Response(html, { status, headers })
}

/** For users, as the table of reasons is for developers. */
const texts: Readonly<Partial<Record<Reason, string>>> = {
  dependency_unavailable: 'The service you come from does not answer right now.',
  downstream_refused: 'The service you come from did not confirm that this may be done.',
  grant_invalid: 'This answer was not accepted. Begin again at the agent.',
  guesses_exceeded: 'Too many tries. Wait a minute.',
  link_changed: 'This link was changed after the agent made it. Begin again at the agent.',
  link_invalid: 'This link is not valid, or has expired. Begin again at the agent.',
  link_of_another_browser: 'This link was opened in another browser before. Begin again at the agent.',
  user_mismatched: 'You are signed in as another user than the one this is for.',
}

/** A user reads only that an agent's documents cannot be checked. The event says what is wrong with them. */
function wordsOf({ code, description, reason }: AAuthError): { readonly words: string; readonly reason: Reason } {
  if (code !== 'discovery_failed') return { words: texts[reason] ?? description, reason }
  return { words: 'The service you came from cannot be checked right now.', reason: 'participant_unreachable' }
}
