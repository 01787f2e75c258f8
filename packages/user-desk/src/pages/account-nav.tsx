/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { messagesOf } from './language.js'
import type { Look } from './look.js'
import { fill } from './sentence.js'

/** A page of an account. */
type AccountPath = '/account' | '/account/approvals' | '/account/sign-in' | '/account/data'

/** The ways between the pages of an account. */
export function AccountNav({
  at,
  waiting,
  look,
}: {
  readonly at: AccountPath
  /** Questions that wait in the inbox. */
  readonly waiting: number
  readonly look: Look
}): JSX.Element {
  const { account, approvals } = messagesOf(look)
  const places: ReadonlyArray<readonly [AccountPath, string]> = [
    ['/account', account.title],
    ['/account/approvals', approvals.title],
    ['/account/sign-in', account.signInTab],
    ['/account/data', account.dataTab],
  ]
  return (
    <nav class="tabs" aria-label={account.nav}>
      {places.map(([href, words]) => (
        <a href={href} aria-current={href === at ? 'page' : undefined}>
          {words}
          {href === '/account/approvals' ? <Badge waiting={waiting} look={look} /> : null}
        </a>
      ))}
    </nav>
  )
}

/** How many questions wait: a number to see, a phrase to hear. */
function Badge({ waiting, look }: { readonly waiting: number; readonly look: Look }): JSX.Element | null {
  const { approvals } = messagesOf(look)
  if (waiting === 0) return null
  return (
    <>
      {' '}
      <span class="badge" aria-hidden="true">
        {waiting}
      </span>
      <span class="aside">
        ({waiting === 1 ? approvals.waitingOne : fill(approvals.waitingMany, { count: waiting })})
      </span>
    </>
  )
}
