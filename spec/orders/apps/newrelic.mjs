import './newrelicSetup.cjs';
