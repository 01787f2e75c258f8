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
export type { Certificate, ServeLimits, ServeOptions } from './options.js'
export type { Participant, Upgraded } from './participant.js'
export { type Running, serve } from './serve.js'
export type { TracedExchange } from './trace.js'
