/** @jsxImportSource hono/jsx */
import type { ErrorCode } from '@countersign/protocol'
import { languages, messagesOf } from './language.js'
import { document } from './layout.js'
import type { Look } from './look.js'
import type { Messages } from './messages/en.js'
import type { ShownRefusal } from './messages/refusals-en.js'

/** What an error page shows. */
export interface ErrorView extends ShownRefusal {
  /** A path of this server where to begin again. */
  readonly retry?: string | undefined
}

/** The page of a refusal. */
export function errorPage({ retry, ...refusal }: ErrorView, look: Look): string {
  const { error } = messagesOf(look)
  const heading = error[headings[refusal.code] ?? 'heading']
  return document({
    look,
    title: heading,
    // For operators and tests: users read the text.
    reason: refusal.reason,
    here: retry ?? look.here,
    children: (
      <>
        <h1>{heading}</h1>
        <p>{languages[look.language].refusal(refusal)}</p>
        {retry === undefined ? null : (
          <p>
            <a class="button" href={retry}>
              {error.retry}
            </a>
          </p>
        )}
        <p class="quiet">{error.nothingMore}</p>
      </>
    ),
  })
}

const headings: Partial<Record<ErrorCode, keyof Messages['error']>> = {
  access_denied: 'refused',
  expired_token: 'ended',
  invalid_grant: 'ended',
  rate_limited: 'tooMany',
  temporarily_unavailable: 'unavailable',
}
