/** @jsxImportSource hono/jsx */
import type { CeremonyOptions } from '../passkey/ceremony-options.js'
import { messagesOf } from './language.js'
import { document } from './layout.js'
import type { Look } from './look.js'
import { PasskeyForm } from './passkey-form.js'
import { fill, Sentence } from './sentence.js'

/** What the page of {@link newAccountPage} shows. */
export interface NewAccountView {
  /** Host and port of this auth server. */
  readonly host: string
  readonly csrf: string
  readonly fields: Readonly<Record<string, string>>
  readonly ceremony: CeremonyOptions
  /** The path of this page. */
  readonly here: string
  /** The name of the user whose account gets a new passkey. */
  readonly recovers?: string | undefined
}

/** The page on which a user makes an account, or adds a passkey to one by a link of the operator. */
export function newAccountPage(view: NewAccountView, look: Look): string {
  const { host, csrf, fields, ceremony, here, recovers } = view
  const { newAccount } = messagesOf(look)
  const isNew = recovers === undefined
  const heading = fill(isNew ? newAccount.title : newAccount.backTitle, { host })
  return document({
    look,
    title: heading,
    here,
    script: 'passkey',
    children: (
      <>
        <h1>{heading}</h1>
        <p>{isNew ? newAccount.how : <Sentence text={newAccount.backHow} parts={{ user: <b>{recovers}</b> }} />}</p>
        <PasskeyForm
          look={look}
          ceremony="create"
          action="/account/new"
          options={ceremony}
          fields={{ csrf, ...fields }}
          button={isNew ? newAccount.button : newAccount.backButton}
        >
          {isNew ? (
            <label class="labelled">
              {newAccount.name}
              <input
                class="text"
                name="name"
                maxlength={100}
                required
                autocomplete="name"
                data-user-name
                aria-describedby="name-use"
              />
              <small id="name-use">{newAccount.nameUse}</small>
            </label>
          ) : null}
        </PasskeyForm>
      </>
    ),
  })
}
