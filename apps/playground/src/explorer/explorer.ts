import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { attackRoutes } from '../attacks/routes.js'
import { createAttacks } from '../attacks/scoreboard.js'
import { createBeside } from '../beside/beside.js'
import { besideRoutes } from '../beside/routes.js'
import type { Participants } from '../participants.js'
import { type ScenarioName, scenarioNames } from '../play.js'
import { stories } from '../stories.js'
import type { VisitorState } from '../visitor/contract.js'
import { visitorRoutes } from '../visitor/visitor-routes.js'
import { type Asset, pageAssets } from './assets.js'
import type { House, LiveEvent } from './contract.js'
import { createPublished } from './known-documents.js'
import { partiesAt } from './parties.js'
import { publishedBy } from './published.js'
import { createRecorder } from './recorder.js'

/** Most pages that may be open at the same time. */
const mostListeners = 32
/** Most events that wait for a page that does not read; then it is cut, and its browser connects again. */
const mostWaiting = 2000

/** The explorer on BASE: the page, what it shows, and what it can start. */
export function explorer(participants: Participants): Hono {
  const { addresses } = participants
  const host = new URL(addresses.page).host
  const recorder = createRecorder(participants)
  const assets = pageAssets()
  const house: House = { parties: partiesAt(addresses), stories }
  const published = createPublished(recorder, house.parties)
  const app = new Hono()
  app.use(async (c, next) => {
    // DNS rebinding: a page of another site that resolves to this machine still sends its own name in Host.
    if (c.req.header('host') !== host) return c.text('this page answers as its own host only', 421)
    // CSRF: a form on another site could start stories and attacks.
    if (c.req.method !== 'GET' && c.req.header('origin') !== addresses.page)
      return c.text('this page is used from itself only', 403)
    // Another site could read the messages of this one through a request that its page makes.
    if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.header('sec-fetch-mode') !== 'navigate')
      return c.text('this page is used from itself only', 403)
    c.header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
    c.header('cache-control', 'no-store')
    return next()
  })
  const storyIn = (c: Context): ScenarioName | undefined => scenarioNames.find(name => name === c.req.param('story'))
  const unknown = { error: 'not_found', error_description: 'there is no story of that name' }
  app.get('/api/house', c => c.json(house))
  app.get('/api/published/:party', async c => {
    const party = house.parties.find(({ id }) => id === c.req.param('party'))
    return party === undefined
      ? c.json({ error: 'not_found', error_description: 'there is no such party' }, 404)
      : c.json(await publishedBy(party))
  })
  app.get('/api/messages', c => c.json(recorder.others()))
  app.get('/api/stories/:story', c => {
    const story = storyIn(c)
    return story === undefined ? c.json(unknown, 404) : c.json(recorder.run(story))
  })
  app.post('/api/stories/:story', c => {
    const story = storyIn(c)
    if (story === undefined) return c.json(unknown, 404)
    // Its outcome comes as events.
    void recorder.play(story)
    return c.json({ story }, 202)
  })
  app.get('/api/known', c => c.json(published()))
  app.route('/api/beside', besideRoutes(createBeside(participants, recorder)))
  const attacks = createAttacks({
    participants,
    alone: recorder.alone,
    storyOf: message =>
      scenarioNames.map(name => recorder.run(name).messages).find(messages => messages.includes(message)) ?? [],
    onChange: (state, result) => recorder.tell({ type: 'attack', state, ...(result === undefined ? {} : { result }) }),
  })
  app.route('/', attackRoutes(attacks, recorder.message))
  const tellVisitor = (visitor: Partial<VisitorState>): void => recorder.tell({ type: 'visitor', visitor })
  app.route('/api/visitor', visitorRoutes({ participants, alone: recorder.alone, tell: tellVisitor, now: Date.now }))
  let listeners = 0
  app.get('/api/events', c => {
    if (listeners >= mostListeners) return c.text('too many pages are open', 503)
    return streamSSE(c, async stream => {
      listeners++
      const queue: LiveEvent[] = []
      let wake = (): void => {}
      const stop = recorder.listen(event => {
        queue.push(event)
        if (queue.length > mostWaiting) stream.abort()
        wake()
      })
      stream.onAbort(() => wake())
      try {
        await stream.writeSSE({ event: 'hello', data: '{}' })
        while (!stream.aborted) {
          for (const event of queue.splice(0)) await stream.writeSSE({ data: JSON.stringify(event) })
          await new Promise<void>(resolve => {
            wake = resolve
            if (queue.length > 0 || stream.aborted) resolve()
            else setTimeout(resolve, 15_000).unref()
          })
          if (queue.length === 0) await stream.write(': still here\n\n')
        }
      } finally {
        stop()
        listeners--
      }
    })
  })
  app.get('*', c => {
    const found = assets.get(c.req.path)
    // Its script is in the page, which the policy of this origin forbids: it is for a file.
    if (c.req.path === '/paste.html') c.header('content-disposition', 'attachment; filename="countersign-paste.html"')
    if (found !== undefined) return asset(c, found)
    const index = assets.get('/index.html')
    // Each view has a URL of its own, which a reload must find.
    if (index === undefined || /^\/(?:api|assets)\//.test(c.req.path)) return c.text('nothing is here', 404)
    return asset(c, index)
  })
  return app
}

function asset(c: Context, { type, bytes, compressed, isFixed }: Asset): Response {
  if (isFixed) c.header('cache-control', 'max-age=31536000, immutable')
  if (!/\bgzip\b/.test(c.req.header('accept-encoding') ?? '')) return c.body(bytes, 200, { 'content-type': type })
  return c.body(compressed, 200, { 'content-type': type, 'content-encoding': 'gzip', vary: 'accept-encoding' })
}
