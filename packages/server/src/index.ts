export { type EpochFile, epochFile, type KeysFileOptions, keysFile } from '@countersign/protocol/node'
export { jsonLog, type Logger, type LogLevel } from './log.js'
export {
  type HonoContext,
  type MountableParticipant,
  type MountOptions,
  mountFetch,
  mountHono,
  mountNode,
} from './mount.js'
export type { Participant, Upgraded } from './participant.js'
export { type Certificate, type Running, type ServeLimits, type ServeOptions, serve } from './serve.js'
export type { TracedExchange } from './trace.js'
