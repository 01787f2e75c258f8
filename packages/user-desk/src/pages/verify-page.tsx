/** @jsxImportSource hono/jsx */
import type { CeremonyOptions } from '../passkey/ceremony-options.js'
import { messagesOf } from './language.js'
import { document } from './layout.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { PasskeyForm } from './passkey-form.js'
import { fill, Sentence } from './sentence.js'
import { UserName } from './who-is-signed-in.js'

/** How a user can be verified. */
export interface VerifyWays {
  /** The options of a passkey, where the user has one. */
  readonly passkey?: CeremonyOptions
  /** Providers that verify a user without one. */
  readonly providers: ReadonlyArray<{ readonly name: string; readonly href: string }>
}

/** What the page of {@link verifyPage} shows. */
export interface VerifyView {
  readonly csrf: string
  readonly user: PageUser
  /** Where the passkey goes. */
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
  /** Where a user goes who does not want to. */
  readonly returnTo: string
  /** The path that shows this page again; absent where none does. */
  readonly here?: string | undefined
  readonly ways: VerifyWays
}

/** The page on which a user proves that it is them. */
export function verifyPage({ csrf, user, action, fields, returnTo, here, ways }: VerifyView, look: Look): string {
  const { verify } = messagesOf(look)
  const isStuck = ways.passkey === undefined && ways.providers.length === 0
  return document({
    look,
    title: verify.title,
    here,
    script: 'passkey',
    children: (
      <>
        <h1>{verify.title}</h1>
        <p>
          <Sentence text={verify.why} parts={{ user: <UserName user={user} /> }} />
        </p>
        {ways.passkey === undefined ? null : (
          <PasskeyForm
            look={look}
            ceremony="get"
            action={action}
            options={ways.passkey}
            fields={{ csrf, ...fields }}
            button={verify.passkey}
          />
        )}
        {ways.providers.length === 0 ? null : (
          <ul class="choices">
            {ways.providers.map(({ name, href }) => (
              <li>
                <a class="button" href={href}>
                  {fill(verify.again, { provider: name })}
                </a>
              </li>
            ))}
          </ul>
        )}
        {isStuck ? <p class="care">{verify.stuck}</p> : null}
        <p class="links">
          <a href={returnTo}>{verify.back}</a>
        </p>
      </>
    ),
  })
}
