/** What one operation costs. CPU in microseconds. */
export interface OperationCost {
  /** CPU of the server process, HTTP included. */
  readonly instance: number
  /** CPU of PostgreSQL, all of its processes. */
  readonly database: number
  /** CPU of Redis. */
  readonly redis: number
  readonly statements: number
  readonly roundTrips: number
  /** Commands to Redis, each one round trip. */
  readonly redisCommands: number
  /** Bytes of the write-ahead log. */
  readonly log: number
  /** Bytes to and from PostgreSQL. */
  readonly databaseSent: number
  readonly databaseReceived: number
}

/** The operations that are measured. */
export type OperationName = 'guarded' | 'direct' | 'refresh' | 'revoke' | 'renewal'

/** CPU of an operation where there are so many grants. */
export interface SizePoint {
  readonly grants: number
  /** Bytes on the disk for each, indexes included. */
  readonly bytesPerGrant: number
  readonly direct: Pick<OperationCost, 'instance' | 'database'>
  readonly refresh: Pick<OperationCost, 'instance' | 'database'>
}

/** What a direct grant costs with so many instances on one database, at one rate each. */
export interface InstancesPoint
  extends Pick<OperationCost, 'instance' | 'database' | 'statements' | 'roundTrips' | 'log'> {
  readonly instances: number
}

/** What `npm run bench -- scaling --write` has measured. */
export interface ScalingConstants {
  readonly measured: {
    readonly on: string
    readonly runtime: string
    readonly postgres: string
    readonly redis: string
    /** Load average of the machine at the end. */
    readonly load: number
  }
  readonly operations: Readonly<Record<OperationName, OperationCost>>
  readonly sizes: readonly SizePoint[]
  readonly instances: readonly InstancesPoint[]
  /** Bytes on the disk for each delegate of an agent server, indexes included. */
  readonly bytesPerDelegate: number
}
