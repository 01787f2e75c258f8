import { Hono } from 'hono'
import { attackRoutes } from '../attacks/routes.js'
import { createAttacks } from '../attacks/scoreboard.js'
import { createBeside } from '../beside/beside.js'
import { besideRoutes } from '../beside/routes.js'
import type { Participants } from '../participants.js'
import { scenarioNames } from '../play.js'
import { stories } from '../stories.js'
import { visitorRoutes } from '../visitor/visitor-routes.js'
import { pageFiles } from './assets.js'
import type { House } from './contract.js'
import { liveEvents } from './events.js'
import { createPublished } from './known-documents.js'
import { ownPageOnly } from './own-page.js'
import { partiesAt } from './parties.js'
import { publishedBy } from './published.js'
import { createRecorder, type Recorder } from './recorder.js'
import { storyRoutes } from './story-routes.js'

/** The explorer on BASE: the page, what it shows, and what it can start. All can start afresh, as if the playground had just begun. */
export function explorer(participants: Participants): Hono {
  let current = openExplorer(participants)
  let renewing: Promise<void> | undefined
  const renew = async (): Promise<void> => {
    const old = current
    try {
      await old.end(() => participants.startAfresh())
    } finally {
      current = openExplorer(participants)
      old.recorder.tell({ type: 'afresh' })
    }
  }
  const app = new Hono()
  app.post('/api/afresh', ownPageOnly(participants.addresses.page), async c => {
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
    await renewing
    return c.json({})
  })
  app.all('*', c => current.app.fetch(c.req.raw, c.env))
  return app
}

/** What is shown of the participants from one start to the next. */
interface OpenExplorer {
  readonly app: Hono
  readonly recorder: Recorder
  /** Stops what the visitor has started, waits for what plays, and then does the last work. */
  end(work: () => Promise<void>): Promise<void>
}

function openExplorer(participants: Participants): OpenExplorer {
  const { addresses } = participants
  const recorder = createRecorder(participants)
  const house: House = { parties: partiesAt(addresses), stories }
  const known = createPublished(recorder, house.parties)
  const visitor = visitorRoutes({
    participants,
    alone: recorder.alone,
    now: Date.now,
    tell: change => recorder.tell({ type: 'visitor', visitor: change }),
  })
  const app = new Hono()
  app.use(ownPageOnly(addresses.page))
  app.get('/api/house', c => c.json(house))
  app.get('/api/known', c => c.json(known()))
  app.get('/api/messages', c => c.json(recorder.others()))
  app.get('/api/published/:party', async c => {
    const party = house.parties.find(({ id }) => id === c.req.param('party'))
    if (party !== undefined) return c.json(await publishedBy(party))
    return c.json({ error: 'not_found', error_description: 'there is no such party' }, 404)
  })
  app.get('/api/events', liveEvents(recorder))
  app.route('/api/stories', storyRoutes(recorder))
  app.route('/api/beside', besideRoutes(createBeside(participants, recorder)))
  app.route('/', attackRoutes(attacksOn(participants, recorder), recorder.message))
  app.route('/api/visitor', visitor.app)
  app.get('*', pageFiles())
  return {
    app,
    recorder,
    end(work) {
      visitor.stop()
      return recorder.end(work)
    },
  }
}

function attacksOn(participants: Participants, recorder: Recorder): ReturnType<typeof createAttacks> {
  return createAttacks({
    participants,
    alone: recorder.alone,
    storyOf: message =>
      scenarioNames.map(name => recorder.run(name).messages).find(messages => messages.includes(message)) ?? [],
    onChange: (state, result) => recorder.tell({ type: 'attack', state, ...(result === undefined ? {} : { result }) }),
  })
}
