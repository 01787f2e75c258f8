export type { IssuerEvent } from './issuer-event.js'
export type { IssuerAnswer, IssuerTelemetry } from './telemetry.js'
