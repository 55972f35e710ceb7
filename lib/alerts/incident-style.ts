// How the page about an incident looks: light and dark, on a telephone at night as on a desk. No font, image or script is fetched.
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f4; --sheet: #ffffff; --line: #d9d9d4; --text: #1c1c1a; --soft: #55554f;
  --wrong: #a3121f; --wrong-ground: #fdecec; --taken: #6b4700; --taken-ground: #fdf3dc;
  --over: #17592b; --over-ground: #e6f4ea; --act: #1b4fa0; --act-text: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131312; --sheet: #1d1d1b; --line: #3a3a36; --text: #ecece7; --soft: #b3b3ab;
    --wrong: #ff9c9c; --wrong-ground: #3b1618; --taken: #f3c969; --taken-ground: #33270a;
    --over: #8fd6a3; --over-ground: #12301b; --act: #8db8ff; --act-text: #0b1830;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
header, main { max-width: 44rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.25rem; color: var(--soft); }
header p { margin: 0; }
header span { border-left: 1px solid var(--line); margin-left: .5rem; padding-left: .75rem; }
main {
  background: var(--sheet); border: 1px solid var(--line); border-radius: .5rem;
  margin: .75rem auto 2rem; padding: 1.25rem;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.0625rem; margin: 1.75rem 0 .5rem; }
.number { margin: 0; color: var(--soft); }
.state { margin: 0 0 1rem; padding: .75rem 1rem; border-left: .25rem solid; border-radius: .25rem; }
.state b { color: inherit; }
.wrong { background: var(--wrong-ground); border-color: var(--wrong); }
.taken { background: var(--taken-ground); border-color: var(--taken); }
.over { background: var(--over-ground); border-color: var(--over); }
.wrong > b:first-child { color: var(--wrong); }
.taken > b:first-child { color: var(--taken); }
.over > b:first-child { color: var(--over); }
form { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }
form p { margin: 0 0 .75rem; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
label span { font-weight: 400; color: var(--soft); }
textarea {
  display: block; width: 100%; font: inherit; color: var(--text); background: var(--ground);
  border: 1px solid var(--soft); border-radius: .25rem; padding: .5rem; resize: vertical;
}
form .hint { font-size: .875rem; color: var(--soft); margin: .25rem 0 1rem; }
button {
  font: inherit; font-weight: 600; color: var(--act-text); background: var(--act); border: 0;
  border-radius: .375rem; padding: .75rem 1.25rem; min-height: 3rem; cursor: pointer;
}
button:hover { filter: brightness(1.1); }
:focus-visible { outline: .1875rem solid var(--act); outline-offset: .125rem; }
dl { margin: 1.25rem 0 0; }
dl div { display: flex; gap: .75rem; padding: .25rem 0; }
dt { flex: 0 0 6.5rem; color: var(--soft); }
dd { margin: 0; }
ul, ol { margin: 0; padding-left: 1.25rem; }
li { margin: .25rem 0; }
li small { display: block; font-size: .875rem; color: var(--soft); }
.conditions { list-style: none; padding: 0; }
.conditions li { border-left: .1875rem solid var(--wrong); padding: .125rem 0 .125rem .75rem; margin: .625rem 0; }
.conditions .good { border-color: var(--over); }
.timeline { list-style: none; padding: 0; }
.timeline li { display: flex; gap: .75rem; padding: .25rem 0; }
.timeline time { flex: 0 0 11.5rem; color: var(--soft); font-variant-numeric: tabular-nums; }
time { white-space: nowrap; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9375em; }
.foot { margin: 1.75rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; color: var(--soft); }
@media (max-width: 32rem) {
  main { border-width: 1px 0; border-radius: 0; padding: 1.25rem 1rem; }
  header { padding-left: 1rem; padding-right: 1rem; }
  button { width: 100%; }
  .timeline li { display: block; }
  .timeline time { display: block; font-size: .875rem; }
  dl div { display: block; }
}
@media print { form { display: none; } main { border: 0; } }
`;
