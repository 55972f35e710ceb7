// One thing that the doctor looked at, and what to do about it.

export type Area = 'configuration' | 'messages' | 'key' | 'store' | 'source' | 'machine' | 'points';

export interface DoctorFinding {
  /** `problem`: a backup or a restore would fail; `warning`: it would work and be worth less than it seems. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly area: Area;
  readonly message: string;
  /** What to do; undefined when all is well. */
  readonly advice: string | undefined;
}

/** What is known of a source when the store is looked at. */
export interface SeenSource {
  readonly name: string;
  readonly path: string;
  readonly contentBytes: number;
}

export function ok(area: Area, message: string): DoctorFinding {
  return { level: 'ok', area, message, advice: undefined };
}

export function warning(area: Area, message: string, advice: string): DoctorFinding {
  return { level: 'warning', area, message, advice };
}

export function problem(area: Area, message: string, advice: string): DoctorFinding {
  return { level: 'problem', area, message, advice };
}
