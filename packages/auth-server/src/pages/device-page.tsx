/** @jsxImportSource hono/jsx */
import { document, HiddenFields } from './layout.js'
import type { PageUser } from './page-user.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

/** What the page for a device's code shows. */
export interface DeviceView {
  readonly csrf: string
  /** The path that takes the code, as `user_code`; also where "not you?" comes back to. */
  readonly action: string
  readonly user: PageUser
  readonly problem?: 'unknown-code'
}

/** The page on which a user types the code that their device shows. */
export function devicePage({ csrf, action, user, problem }: DeviceView): string {
  const isWrong = problem !== undefined
  return document({
    title: isWrong ? 'Wrong code: connect a device' : 'Connect a device',
    children: (
      <>
        <WhoIsSignedIn csrf={csrf} returnTo={action} user={user} />
        <h1>Connect a device</h1>
        <section class="care">
          <p>
            <strong>Take care:</strong> type only a code that you see on a device of your own, in front of you. If
            somebody sent you a code or read one to you, close this page.
          </p>
        </section>
        <form method="post" action={action}>
          <HiddenFields fields={{ csrf }} />
          {isWrong ? (
            <p class="care" role="alert" id="problem">
              <strong>No device shows this code.</strong> Look again: it may be mistyped, or too old.
            </p>
          ) : null}
          <label for="user_code">Code on your device</label>
          <input
            class="field"
            id="user_code"
            name="user_code"
            type="text"
            maxlength={20}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            required
            autofocus
            aria-invalid={isWrong ? 'true' : undefined}
            aria-describedby={isWrong ? 'problem' : undefined}
          />
          <button class="button solid" type="submit">
            Continue
          </button>
        </form>
      </>
    ),
  })
}

/** The page after the decision about a device. */
export function deviceDonePage({ allowed }: { readonly allowed: boolean }): string {
  return document({
    title: allowed ? 'Allowed' : 'Refused',
    children: (
      <>
        <h1>{allowed ? 'Allowed' : 'Refused'}</h1>
        <p>{allowed ? 'Your device goes on by itself in a few seconds.' : 'The device gets no access.'}</p>
        <p class="quiet">You can close this page.</p>
      </>
    ),
  })
}
