import type { Draft } from '../signing/draft.js'
import type { TestKey } from '../signing/key.js'

/** The draft of a signed POST of a form or of JSON, as endpoints take it. */
export function postDraft(o: {
  readonly authority: string
  readonly scheme: 'http' | 'https'
  readonly target: string
  readonly signer: { readonly key: TestKey; readonly keyMember: string }
  readonly body: string
  readonly contentType?: string
  readonly parameters: string
}): Draft {
  const { authority, scheme, target, signer, parameters, contentType = 'application/x-www-form-urlencoded' } = o
  const body = Buffer.from(o.body)
  return {
    method: 'POST',
    target,
    authority,
    scheme,
    headers: [['host', authority], ...(body.length > 0 ? [['content-type', contentType] as const] : [])],
    body,
    key: signer.key,
    keyMember: signer.keyMember,
    label: 'sig',
    parameters,
  }
}

/** A form in its one encoding. */
export function formBody(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString()
}
