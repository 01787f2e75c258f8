import { Hono } from 'hono'
import type { ShownMessage } from '../explorer/contract.js'
import { infoOf } from './all-attacks.js'
import type { Attacks } from './scoreboard.js'

/** The routes of the attacks: which there are, one on a message, all of them, and the scoreboard. */
export function attackRoutes(attacks: Attacks, messageOf: (id: number) => ShownMessage | undefined): Hono {
  const app = new Hono()
  const noMessage = {
    error: 'not_found',
    error_description: 'that message is no longer remembered: play its story again',
  }
  app.get('/api/scoreboard', c => c.json(attacks.scoreboard()))
  app.get('/api/attacks', c => {
    const asked = c.req.query('message')
    if (asked === undefined) return c.json(attacks.scoreboard().attacks)
    const message = messageOf(Number(asked))
    return message === undefined ? c.json(noMessage, 404) : c.json(attacks.offered(message))
  })
  app.post('/api/attacks', c => {
    // Its results come as events. They end where everything starts afresh.
    attacks.makeAll().catch(() => undefined)
    return c.json({ state: 'running' }, 202)
  })
  app.post('/api/attacks/:name', async c => {
    const attack = attacks.find(c.req.param('name'))
    if (attack === undefined)
      return c.json({ error: 'not_found', error_description: 'there is no attack of that name' }, 404)
    const { message: id } = Object(await c.req.json().catch(() => ({}))) as { readonly message?: unknown }
    if (id === undefined) return c.json(await attacks.make(attack))
    const message = messageOf(Number(id))
    if (message === undefined) return c.json(noMessage, 404)
    if (!attack.onMessage)
      return c.json(
        { error: 'invalid_request', error_description: `${infoOf(attack).title} makes its own messages` },
        400,
      )
    return c.json(await attacks.make(attack, message))
  })
  return app
}
