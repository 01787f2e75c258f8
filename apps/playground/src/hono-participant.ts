import { type ReceivedMessage, readBody } from '@countersign/httpsig'
import type { Participant } from '@countersign/server'

/** A Hono app whose bindings, if it has any, are the received message. */
interface App {
  fetch(request: Request, bindings: { readonly received: ReceivedMessage }): Response | Promise<Response>
}

/**
 * Runs a Hono app as a participant. The app gets an ordinary Request, the guard the message as it was received.
 * @param ready `ready` of the resource that guards the app
 */
export function honoParticipant(id: string, app: App, ready: () => Promise<void> = async () => {}): Participant {
  return {
    ready,
    handle: async received => {
      const message = await readBody(received)
      const headers = new Headers(message.headers.map(([name, value]) => [name, value]))
      const { method, target, body, connection } = message
      const sendsBody = body !== undefined && body.length > 0 && method !== 'GET' && method !== 'HEAD'
      const url = target.startsWith('/') ? id + target : id
      const { signal = null } = connection ?? {}
      const request = new Request(url, { method, headers, signal, body: sendsBody ? new Uint8Array(body) : null })
      return app.fetch(request, { received: message })
    },
  }
}
