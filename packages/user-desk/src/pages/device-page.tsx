/** @jsxImportSource hono/jsx */
import { Lasting } from './afterwards.js'
import { messagesOf } from './language.js'
import { document, HiddenFields } from './layout.js'
import type { Look } from './look.js'
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
export function devicePage({ csrf, action, user, problem }: DeviceView, look: Look): string {
  const { common, device } = messagesOf(look)
  const isWrong = problem !== undefined
  return document({
    look,
    title: isWrong ? device.wrongTitle : device.title,
    here: action,
    reason: isWrong ? 'user_code_unknown' : undefined,
    children: (
      <>
        <WhoIsSignedIn csrf={csrf} returnTo={action} user={user} look={look} />
        <h1>{device.title}</h1>
        <section class="care">
          <p>
            <strong>{common.takeCare}</strong> {device.care}
          </p>
        </section>
        <form method="post" action={action}>
          <HiddenFields fields={{ csrf }} />
          {isWrong ? (
            <p class="care" role="alert" id="problem">
              <strong>{device.wrong}</strong> {device.lookAgain}
            </p>
          ) : null}
          <label for="user_code">{device.label}</label>
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
            {device.button}
          </button>
        </form>
      </>
    ),
  })
}

/** The page after the decision about a device. */
export function deviceDonePage({ allowed }: { readonly allowed: boolean }, look: Look): string {
  const { common, device } = messagesOf(look)
  const title = allowed ? device.allowed : device.refused
  return document({
    look,
    title,
    children: (
      <>
        <h1>{title}</h1>
        <p>{allowed ? device.goesOn : device.noAccess}</p>
        {allowed ? <Lasting look={look} /> : null}
        <p class="quiet">{common.closePage}</p>
      </>
    ),
  })
}
