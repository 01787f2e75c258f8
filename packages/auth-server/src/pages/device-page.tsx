/** @jsxImportSource hono/jsx */
import { document } from './layout.js'
import type { PageUser } from './page-user.js'

/** What the page for a device's code shows. */
export interface DeviceView {
  readonly csrf: string
  /** The path that takes the code, as `user_code`. */
  readonly action: string
  readonly user: PageUser
  readonly problem?: 'unknown-code'
}

/** The page on which a user types the code that their device shows. */
export function devicePage({ csrf, action, problem }: DeviceView): string {
  return document({
    title: 'Connect a device',
    children: (
      <form method="post" action={action}>
        <h1>Connect a device</h1>
        {problem === undefined ? null : <p role="alert">There is no such code.</p>}
        <input type="hidden" name="csrf" value={csrf} />
        <label for="user_code">Code</label>
        <input id="user_code" name="user_code" autocomplete="off" required />
        <button type="submit">Continue</button>
      </form>
    ),
  })
}

/** The page after the decision about a device. */
export function deviceDonePage({ allowed }: { readonly allowed: boolean }): string {
  const heading = allowed ? 'Allowed' : 'Refused'
  return document({
    title: heading,
    children: (
      <>
        <h1>{heading}</h1>
        <p>You can go back to your device and close this page.</p>
      </>
    ),
  })
}
