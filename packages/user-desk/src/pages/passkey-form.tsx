/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { CeremonyOptions } from '../passkey/ceremony-options.js'
import { messagesOf } from './language.js'
import { HiddenFields } from './layout.js'
import type { Look } from './look.js'

/** A form that the browser's passkey fills in. */
export interface PasskeyFormView {
  /** `get` uses a passkey, `create` makes one. */
  readonly ceremony: 'get' | 'create'
  readonly action: string
  readonly options: CeremonyOptions
  readonly fields: Readonly<Record<string, string>>
  readonly button: string
  readonly look: Look
  /** Fields that the user fills in. */
  readonly children?: Child
}

/** The form of {@link PasskeyFormView}. Its page needs the passkey script. */
export function PasskeyForm({
  ceremony,
  action,
  options,
  fields,
  button,
  look,
  children,
}: PasskeyFormView): JSX.Element {
  const { passkey } = messagesOf(look)
  return (
    <form
      method="post"
      action={action}
      class="passkey"
      data-passkey={ceremony}
      data-options={JSON.stringify(options)}
      data-missing={passkey.missing}
      data-failed={passkey.failed}
      data-known={passkey.known}
    >
      <HiddenFields fields={fields} />
      {children}
      <input type="hidden" name="credential" />
      <button class="button solid" type="submit">
        {button}
      </button>
      <p class="care" role="alert" hidden></p>
      <noscript>
        <p class="care">{passkey.noScript}</p>
      </noscript>
    </form>
  )
}
