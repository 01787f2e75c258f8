import type { AuthServerOrder } from './auth-server-process.js'
import type { FloorOrder } from './floor-process.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'

/** Starts what does the least of a direct grant, on a new database: an auth server makes its tables, and ends. */
export async function startFloor(
  file: string,
  keys: Pick<AuthServerOrder, 'agent' | 'resource'>,
): Promise<MeasuredProcess> {
  const order = { database: `sqlite:${file}`, ...keys }
  const maker = await measuredProcess<AuthServerOrder>('./auth-server-process.js', order)
  await maker.stop()
  return measuredProcess<FloorOrder>('./floor-process.js', { file })
}
