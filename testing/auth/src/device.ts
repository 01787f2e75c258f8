import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import type { Browser } from './browser.js'
import { resourceToken, type Signer, send, type World } from './world.js'

/** What a device was given. */
export interface Codes {
  readonly device_code: string
  readonly user_code: string
}

/** Sends `request_type=device_auth` for events at the calendar. */
export async function askDevice(made: World, signer: Signer, scope = 'events.read'): Promise<Response> {
  const resource_token = await resourceToken(made, signer, { claims: { scope } })
  return send(made, signer, { request_type: 'device_auth', resource_token })
}

/** The codes of a request that waits. */
export async function codes(made: World, signer: Signer, scope?: string): Promise<Codes> {
  const { device_code, user_code } = await bodyOf(await askDevice(made, signer, scope))
  return { device_code: String(device_code), user_code: String(user_code) }
}

/** Sends `request_type=device_code`. */
export const poll = (made: World, signer: Signer, device_code: string): Promise<Response> =>
  send(made, signer, { request_type: 'device_code', device_code })

/** Types a code, as a user does. */
export async function type(one: Browser, user_code: string): Promise<Response> {
  return one.post('/device', { csrf: await one.csrf('/device'), user_code })
}

/** Types a code, and answers the page that comes. */
export async function answer(one: Browser, user_code: string, decision: 'allow' | 'deny'): Promise<Response> {
  const hidden = hiddenFields(await (await type(one, user_code)).text())
  return one.post('/device', { ...hidden, decision, 'scope:events.read': 'on' })
}
