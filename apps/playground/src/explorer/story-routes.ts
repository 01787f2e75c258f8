import { type Context, Hono } from 'hono'
import { type ScenarioName, scenarioNames } from '../play.js'
import type { Recorder } from './recorder.js'

/** What came of each story, and how one is played. */
export function storyRoutes(recorder: Recorder): Hono {
  const app = new Hono()
  const storyIn = (c: Context): ScenarioName | undefined => scenarioNames.find(name => name === c.req.param('story'))
  const unknown = { error: 'not_found', error_description: 'there is no story of that name' }
  app.get('/:story', c => {
    const story = storyIn(c)
    return story === undefined ? c.json(unknown, 404) : c.json(recorder.run(story))
  })
  app.post('/:story', c => {
    const story = storyIn(c)
    if (story === undefined) return c.json(unknown, 404)
    // Its outcome comes as events. It is refused only where everything starts afresh.
    recorder.play(story).catch(() => undefined)
    return c.json({ story }, 202)
  })
  return app
}
