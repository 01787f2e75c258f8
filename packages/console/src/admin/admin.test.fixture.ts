import type { AuthServer } from '@countersign/auth-server'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { consentWorld } from '@countersign/testing/auth/consent'
import type { World, WorldOptions } from '@countersign/testing/auth/world'
import { bodyOf } from '@countersign/testing/responses'
import { unread } from '@countersign/testing/unread-body'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asKey, type Signer } from '@countersign/testing/world/signer'
import { operatorOf } from '../operator/open-operator.js'
import type { AdminOptions } from './admin-options.js'
import { adminPage } from './admin-page.js'
import type { AdminPage } from './open-admin.js'

/** The origin of the admin page. */
export const origin = 'https://admin.example'

/** An auth server with its admin page. */
export interface AdminWorld {
  readonly made: World
  readonly server: AuthServer
  readonly admin: AdminPage
  /** The secret of a new link. */
  link(name?: string): Promise<string>
  /** A browser that is signed in. */
  signedIn(name?: string): Promise<Signer>
}

/** @param o.admin options of the admin page */
export async function adminWorld({
  admin: options = {},
  ...o
}: Omit<WorldOptions, 'policy'> & { readonly admin?: Partial<AdminOptions> } = {}): Promise<AdminWorld> {
  const made = await consentWorld(o)
  const server = await made.reopen()
  const admin = adminPage(server, { origin, ...options })
  const link = async (name = 'root'): Promise<string> => {
    const { url } = await operatorOf(server).admins.add({ name, origin })
    return url.slice(`${origin}/#enrol=`.length)
  }
  return {
    made,
    server,
    admin,
    link,
    async signedIn(name) {
      const one = asKey(await generateSigningKey())
      const response = await send(made, admin, { as: one, path: 'enrol', members: { link: await link(name) } })
      if (response.status !== 200) throw new Error(`no sign-in: ${await response.text()}`)
      return one
    },
  }
}

/** A call of the page. */
export interface PageCall {
  readonly as: Signer
  readonly path: string
  readonly members?: object
  /** In place of the headers that the page's browser sends. */
  readonly headers?: ReadonlyArray<readonly [string, string]>
}

/** The request of a call, as the page makes it. */
export async function request(made: Pick<World, 'clock'>, call: PageCall): Promise<ReceivedMessage> {
  const {
    as,
    path,
    members = {},
    headers = [['origin', origin] as const, ['sec-fetch-site', 'same-origin'] as const],
  } = call
  const message = await signedMessage({
    as,
    origin,
    target: `/api/${path}`,
    method: 'POST',
    body: JSON.stringify(members),
    headers,
    contentType: 'application/json',
    now: () => made.clock.now,
  })
  return { ...message, peer: '192.0.2.7' }
}

/** Makes a call. Its body is unread, as a server hands it on. */
export async function send(made: Pick<World, 'clock'>, admin: AdminPage, call: PageCall): Promise<Response> {
  return admin.handle(unread(await request(made, call)))
}

/** The status of an answer, and the reason where it is a refusal. */
export async function outcome(response: Response): Promise<readonly [number, unknown]> {
  const { reason } = await bodyOf(response)
  return [response.status, reason]
}
