import { callRows } from './calls.js'
import { implyingRows } from './implying.js'
import { judgingRows } from './judging.js'
import { projectionRows } from './projection.js'
import type { Bench } from './result.js'

/** What conditions cost. */
export const delegation: Bench = {
  name: 'delegation',
  async run() {
    return [...(await judgingRows()), ...projectionRows(), ...implyingRows(), ...(await callRows())]
  },
}
