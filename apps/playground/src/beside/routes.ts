import { type Context, Hono } from 'hono'
import type { Beside } from './beside.js'
import type { DimensionName } from './contract.js'
import { dimensionNames } from './plans.js'

const unknown = { error: 'not_found', error_description: 'there is no dimension of that name' }

/** The comparison with OAuth, under `/api/beside`. */
export function besideRoutes(beside: Beside): Hono {
  const app = new Hono()
  const dimensionIn = (c: Context): DimensionName | undefined =>
    dimensionNames.find(name => name === c.req.param('dimension'))
  app.get('/', c => c.json(beside.overview()))
  app.get('/:dimension', c => {
    const dimension = dimensionIn(c)
    return dimension === undefined ? c.json(unknown, 404) : c.json(beside.result(dimension))
  })
  app.post('/:dimension', c => {
    const dimension = dimensionIn(c)
    if (dimension === undefined) return c.json(unknown, 404)
    // Its outcome comes as events. It is refused only where everything starts afresh.
    beside.play(dimension).catch(() => undefined)
    return c.json({ dimension }, 202)
  })
  return app
}
