// For the other packages of this project, not for users: these names may change in any release (no semver).

export {
  answerAttributes,
  beginAtZero,
  beginEmpty,
  type Count,
  count,
  type GaugeText,
  type IssuerInstruments,
  issuerInstruments,
  loadGauges,
  reasonOf,
  refusalAttributes,
  secondsHistogram,
  whenUsed,
} from './metrics.js'
