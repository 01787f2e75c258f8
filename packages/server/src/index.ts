export type { ReceivedMessage } from '@countersign/httpsig'
export type { AAuthError, CorsOrigins, HeaderFields } from '@countersign/protocol'
export { type LogLimit, logLimit } from '@countersign/protocol'
export { type EpochFile, type EpochMark, epochFile, type KeysFileOptions, keysFile } from '@countersign/protocol/node'
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
export type { Participant, Relayed, Upgraded } from './participant.js'
export { type Running, type ServerState, serve } from './serve.js'
export type { TracedExchange } from './trace.js'
