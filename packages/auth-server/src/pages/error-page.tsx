/** @jsxImportSource hono/jsx */
import type { ErrorCode } from '@countersign/protocol'
import { document } from './layout.js'

/** What an error page shows. */
export interface ErrorView {
  readonly code: ErrorCode
  /** A text of this server, never a stranger's. */
  readonly description: string
  /** A path of this server where to begin again. */
  readonly retry?: string | undefined
}

/** The page of a refusal. */
export function errorPage({ code, description, retry }: ErrorView): string {
  const heading = headings[code] ?? 'This did not work'
  return document({
    title: heading,
    children: (
      <>
        <h1>{heading}</h1>
        <p>{description}</p>
        {retry === undefined ? null : (
          <p>
            <a class="button" href={retry}>
              Try again
            </a>
          </p>
        )}
        <p class="quiet">Nothing more was allowed. You can close this page.</p>
      </>
    ),
  })
}

const headings: Partial<Record<ErrorCode, string>> = {
  access_denied: 'This was refused',
  expired_token: 'This request is no longer open',
  invalid_grant: 'This request is no longer open',
  rate_limited: 'Too many tries',
  temporarily_unavailable: 'Not available right now',
}
