import './datadogSetup.cjs';
